"""The SDE of an update rule with memory, solved in any dimension: one array for each letter of the state."""
