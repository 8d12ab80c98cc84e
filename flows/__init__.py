"""The four business processes, and the operations that watch over them."""
