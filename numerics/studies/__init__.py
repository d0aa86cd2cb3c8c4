"""Studies: many experiments that differ in their numbers, solved by few compiled programs, and what is kept of each."""
