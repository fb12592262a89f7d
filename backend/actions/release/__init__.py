"""Release one stale session lock: plan, proof, swap, quarantine, aftermath, recovery."""
