"""Group differences and change over time of the brain age gap."""
