"""The command `sweep`: tasks solve a study's points, here or elsewhere, into one file each; tables and figures summarise them."""
