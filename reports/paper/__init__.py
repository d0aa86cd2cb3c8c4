"""The claims of the paper, and the ledger of their statuses."""
