"""Every error that gridmgmt raises on purpose, as one tree.

::

    GridError
    ├─ InvalidInput              422  the sender can mend it
    │  ├─ InvalidCode                 a code fails its check
    │  ├─ InvalidGeometry             not finite, not valid, empty, too large
    │  ├─ WrongCrs                    CRS or datum missing or not the one asked for
    │  ├─ MissingFact                 an action or report lacks a required fact
    │  ├─ OutsideArea                 the point lies in no cell of the plan in force
    │  ├─ UnknownCategory             no such class in the catalogue on that day
    │  ├─ ImplausibleTime             observed in the future, or unreasonably long ago
    │  ├─ UnacceptablePhoto           not an image, truncated, too many pixels
    │  └─ WeakPassword                too short, too common, about oneself; names the reasons
    ├─ TooLarge                  413  body or photo over its limit
    ├─ TooManyUploads            429  more unfinished uploads than one person may have
    ├─ UploadBusy                423  another request is writing to this upload
    ├─ WrongTusVersion           412  the upload protocol is tus 1.0.0
    ├─ ChecksumDiffers           460  a piece of an upload arrived damaged; send it again
    ├─ UnsupportedMediaType      415  a body that is not what this address takes
    ├─ NotSignedIn               401
    │  └─ SignInRefused               name, password or code is wrong; never says which
    ├─ SenderDiffers             401  somebody else is signed in than wrote this
    ├─ NotAllowed                403  (outside the actor's scope it is rendered as 404)
    │  ├─ DutiesNotSeparated          the person acted on another axis of this case
    │  ├─ StepUpNeeded                the second factor has to be shown again, just now
    │  ├─ BeyondPurpose               the purpose does not open these data
    │  ├─ OwnRequest                  nobody approves what he asked for himself
    │  └─ QuotaSpent                  as often as a person may in a day
    ├─ NotFound                  404
    │  └─ LinkNotValid                a one-time link was used, has lapsed, or never was
    ├─ Conflict                  409
    │  ├─ IllegalAction               the state does not permit it; names those it does
    │  ├─ NotReady                    legal here, but a guard does not hold yet; names it
    │  ├─ OffDutyList                 the duty list does not give this to the subdistrict
    │  ├─ StaleVersion                somebody else moved the case first
    │  ├─ ContentDiffers              one id, two contents
    │  ├─ OffsetDiffers               an upload goes on elsewhere; names the place
    │  ├─ UnderLegalHold              kept as evidence; not to be erased
    │  ├─ PlanNotInForce              no plan is published for that place and day
    │  ├─ PlanNotAdoptable            names the failed constraints
    │  ├─ AdministratorsApart         nobody holds two of the three administrators' roles
    │  └─ AuditLogDiffers             the audit log is not as its sealer left it
    ├─ TooManyAttempts           429  carries retry_after_s
    ├─ EvidenceDamaged           410  a stored photo is missing or not what it was; audited
    ├─ StoreFull                 507  the photo store has no room; carries retry_after_s
    ├─ Infeasible                422  planning found no answer; names the binding constraint
    ├─ Erased                    410  was there and was erased for good
    ├─ Unreadable                500  sealed data that cannot be opened
    │  ├─ SealBroken                  changed, cut short, or sealed for another place
    │  └─ UnknownKey                  its key is not among this installation's
    ├─ NotPrepared               503  the database lacks roles, extensions, schema or rights
    └─ Unavailable               503  database, push or photo store; carries retry_after_s

Rules: raise the narrowest class; never raise for "nothing found" in a list. HTTP lives in
``api/errors.py`` alone. ``code`` is stable: clients and the Chinese texts key on it. ``facts``
holds only what the asker may see. ``article`` is the article of 《天津市街道办事处条例》 and
``rule`` the capability of docs/reference/traceability.md that the refusal rests on.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class GridError(Exception):
    """Root of the tree.

    Parameters
    ----------
    message : one English sentence without internals.
    article : article and paragraph of the regulation, such as ``"22-1"``.
    rule : capability id, such as ``"R22a"``.
    facts : values that a client needs to phrase its own text; JSON-serialisable.
    """

    code: ClassVar[str] = "grid_error"

    def __init__(
        self,
        message: str,
        *,
        article: str | None = None,
        rule: str | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.article = article
        self.rule = rule
        self.facts: Mapping[str, Any] = facts


class InvalidInput(GridError):
    """The input cannot be accepted as it is; the sender can mend it."""

    code = "invalid_input"


class InvalidCode(InvalidInput):
    """A code fails its length, alphabet or check digit."""

    code = "invalid_code"


class InvalidGeometry(InvalidInput):
    """Not finite, not valid, empty or larger than allowed. Never repaired on the sender's behalf."""

    code = "invalid_geometry"


class WrongCrs(InvalidInput):
    """CRS or datum missing, or not the one this function measures in."""

    code = "wrong_crs"


class MissingFact(InvalidInput):
    """An action or a report lacks facts that its rule requires; ``facts["missing"]`` lists them."""

    code = "missing_fact"


class OutsideArea(InvalidInput):
    """The point lies in no cell of the plan in force."""

    code = "outside_area"


class UnknownCategory(InvalidInput):
    """No such class in the catalogue on that day."""

    code = "unknown_category"


class ImplausibleTime(InvalidInput):
    """Observed in the future, or too long ago to act on."""

    code = "implausible_time"


class UnacceptablePhoto(InvalidInput):
    """The bytes are not an image of an accepted kind, or not what they claim to be."""

    code = "unacceptable_photo"


class WeakPassword(InvalidInput):
    """A new password breaks the rules of this installation; ``facts["reasons"]`` names them."""

    code = "weak_password"


class TooLarge(GridError):
    """Body or photo over its limit; ``facts["limit_bytes"]``."""

    code = "too_large"


class TooManyUploads(GridError):
    """One person has more unfinished uploads than allowed; ``facts["limit"]``."""

    code = "too_many_uploads"


class UploadBusy(GridError):
    """Another request is writing to this upload; it ends soon, or with its connection."""

    code = "upload_busy"


class WrongTusVersion(GridError):
    """The request does not say that it speaks version 1.0.0 of the tus protocol."""

    code = "wrong_tus_version"


class ChecksumDiffers(GridError):
    """A piece of an upload does not have the checksum that came with it; nothing of it was kept."""

    code = "checksum_differs"


class UnsupportedMediaType(GridError):
    """The body is not of a kind that this address takes; nearly all take ``application/json`` only."""

    code = "unsupported_media_type"


class NotSignedIn(GridError):
    """No session, or one that has ended."""

    code = "not_signed_in"


class SenderDiffers(GridError):
    """Written by one person and sent while another is signed in; the writer sends it when he is back."""

    code = "sender_differs"


class SignInRefused(NotSignedIn):
    """Name, password or code is wrong. Which of them, and whether the name exists, is not said."""

    code = "sign_in_refused"


class NotAllowed(GridError):
    """The actor lacks the permission. Outside the actor's scope the edge renders it as not found."""

    code = "not_allowed"


class DutiesNotSeparated(NotAllowed):
    """Whoever acted on one axis of a case may not act on another (监管分离)."""

    code = "duties_not_separated"


class StepUpNeeded(NotAllowed):
    """The second factor has to be shown again just before this (``POST /api/v1/step-up``)."""

    code = "step_up_needed"


class BeyondPurpose(NotAllowed):
    """The purpose does not open these data, or they were opened for another one (R41b)."""

    code = "beyond_purpose"


class OwnRequest(NotAllowed):
    """Nobody approves what he asked for himself."""

    code = "own_request"


class QuotaSpent(NotAllowed):
    """As often as one person may in a day; ``facts["limit"]``."""

    code = "quota_spent"


class NotFound(GridError):
    """No such thing in the actor's scope."""

    code = "not_found"


class LinkNotValid(NotFound):
    """A one-time link that was used, has lapsed, or never was; a new one comes from an administrator."""

    code = "link_not_valid"


class Conflict(GridError):
    """The request is well formed but contradicts the present state."""

    code = "conflict"


class IllegalAction(Conflict):
    """The state does not permit the action; ``facts`` has state, action and the legal actions."""

    code = "illegal_action"


class NotReady(Conflict):
    """The action is legal in this state, but one of its guards does not hold yet; ``facts["guard"]``."""

    code = "not_ready"


class OffDutyList(Conflict):
    """The duty list 职责清单 does not give this to the subdistrict (articles 7 and 45)."""

    code = "off_duty_list"


class StaleVersion(Conflict):
    """Somebody else moved the case first; ``facts`` has the version and state now."""

    code = "stale_version"


class ContentDiffers(Conflict):
    """The id is taken by other content; the stored one stays."""

    code = "content_differs"


class OffsetDiffers(Conflict):
    """A piece was sent for another place than where the upload stands; ``facts["offset"]``."""

    code = "offset_differs"


class UnderLegalHold(Conflict):
    """Kept as evidence (article 46): it is not erased while the hold lasts."""

    code = "under_legal_hold"


class PlanNotInForce(Conflict):
    """No grid plan is in force for that place and day."""

    code = "plan_not_in_force"


class PlanNotAdoptable(Conflict):
    """A plan breaks constraints; ``facts["failed"]`` names them."""

    code = "plan_not_adoptable"


class AdministratorsApart(Conflict):
    """System, security and audit administrator are three persons, and hold no other role (三员分立)."""

    code = "administrators_apart"


class AuditLogDiffers(Conflict):
    """The audit log is not as the sealer left it; nothing is sealed until a person has said why."""

    code = "audit_log_differs"


class TooManyAttempts(GridError):
    """Too many failures before this one; try again after ``facts["retry_after_s"]``."""

    code = "too_many_attempts"


class EvidenceDamaged(GridError):
    """A stored photo is missing, or its bytes are not those that were received; it is never served."""

    code = "evidence_damaged"


class StoreFull(GridError):
    """The photo store has no room; nothing was stored; try again after ``facts["retry_after_s"]``."""

    code = "store_full"


class Infeasible(GridError):
    """Planning found no answer; ``facts`` names the binding constraint."""

    code = "infeasible"


class Erased(GridError):
    """It was there and was erased for good: its key is destroyed."""

    code = "erased"


class Unreadable(GridError):
    """Sealed data cannot be opened: damage or attack, which the sender cannot mend."""

    code = "unreadable"


class SealBroken(Unreadable):
    """The sealed bytes were changed, cut short, or belong to another place."""

    code = "seal_broken"


class UnknownKey(Unreadable):
    """The key that a sealed value names is not among this installation's keys."""

    code = "unknown_key"


class NotPrepared(GridError):
    """The database lacks roles, extensions, schema or rights of this version; an administrator mends it."""

    code = "not_prepared"


class Unavailable(GridError):
    """A thing we depend on is down; nothing was stored; try again after ``facts["retry_after_s"]``."""

    code = "unavailable"
