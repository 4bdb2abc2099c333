from tests.builders_street import Street
def test_x(db, books):
    s=Street(db,books)
    c=s.report()
    print(c)
    c=s.handled(c); print(c.state, c.due_at); c=s.closed(c); print(c.state)
    print(s.events_of(c)); print(s.audited("case", c.id))
