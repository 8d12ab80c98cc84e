"""Payout: every coin that a player earned goes to the player's wallet, exactly once."""
