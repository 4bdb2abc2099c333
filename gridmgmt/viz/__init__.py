"""What a plan looks like: its card as page and table, maps, borders that are moved; every asset comes from here."""
