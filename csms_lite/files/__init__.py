"""Files that stations bring and fetch, at addresses made for one of them."""
