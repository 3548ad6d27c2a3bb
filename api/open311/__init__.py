"""Open311 GeoReport v2: how a city's hotline or app files requests here and reads what became of them."""
