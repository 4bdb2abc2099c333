"""Evidence photos: a limited process that decodes, stores that keep, uploads that go on where they broke."""
