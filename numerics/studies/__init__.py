"""Studies: many experiments that differ in their numbers, solved by few compiled programs, and the records kept of each."""
