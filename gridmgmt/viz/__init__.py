"""folium maps for notebooks and reports, one function a map; every asset is served from this package."""
