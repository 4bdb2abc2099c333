"""Maps for notebooks and reports: ``plan_card``, ``borders``; every asset is served from this package."""
