"""Operations: who is told of a failure, what is restarted, what is broken."""
