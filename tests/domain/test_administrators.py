"""Three administrators apart: whoever is one of them is nothing else."""

import itertools
from uuid import uuid4

import pytest

from gridmgmt.domain.administrators import NOT_FOR_PEOPLE, THE_THREE, check_apart, check_grant
from gridmgmt.domain.org import Role
from gridmgmt.domain.permissions import ROLE_PERMISSIONS, Permission
from gridmgmt.errors import AdministratorsApart, NotAllowed
from tests.builders_cases import make_actor

PAIRS = list(itertools.combinations(Role, 2))


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_nobody_holds_one_of_the_three_and_anything_else(one: Role, other: Role) -> None:
    if THE_THREE & {one, other}:
        with pytest.raises(AdministratorsApart):
            check_apart([one, other])
    else:
        check_apart([one, other])


@pytest.mark.parametrize("role", Role)
def test_one_role_alone_is_always_apart(role: Role) -> None:
    check_apart([role, role])


def test_nobody_grants_to_himself() -> None:
    granter = make_actor(Role.SECURITY_ADMINISTRATOR)
    with pytest.raises(NotAllowed):
        check_grant(granter, granter.id, [Role.SECURITY_ADMINISTRATOR])
    check_grant(granter, uuid4(), [Role.ACCEPTOR, Role.SHIFT_LEADER])


@pytest.mark.parametrize("role", sorted(NOT_FOR_PEOPLE))
def test_the_platforms_own_roles_are_given_to_nobody(role: Role) -> None:
    with pytest.raises(NotAllowed):
        check_grant(make_actor(Role.SECURITY_ADMINISTRATOR), uuid4(), [role])


def test_what_one_of_the_three_may_do_the_other_two_may_not() -> None:
    held = [ROLE_PERMISSIONS[role] - {Permission.PEOPLE_READ} for role in sorted(THE_THREE)]
    for one, other in itertools.combinations(held, 2):
        assert not one & other
    business = frozenset().union(
        *(ROLE_PERMISSIONS[role] for role in Role if role not in THE_THREE | NOT_FOR_PEOPLE)
    )
    # An original photo is opened by the director or by the auditor, each time with a reason and on record.
    assert business & frozenset().union(*held) == {Permission.PHOTO_ORIGINAL}
