"""What a plan looks like: its card as page and table, maps, borders moved by hand; all assets are in here."""
