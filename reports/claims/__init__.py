"""Claims, the evidence about them, and the ledger of their statuses."""
