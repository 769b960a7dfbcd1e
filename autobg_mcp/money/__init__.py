"""Spends credits once and remembers: purchases, the ledger, the audit."""
