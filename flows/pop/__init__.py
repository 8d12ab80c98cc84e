"""Pop: every marketing account taps once a day, paced over the day so that the game is never overwhelmed."""
