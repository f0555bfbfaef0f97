"""Each charger's local list, which follows the cards."""
