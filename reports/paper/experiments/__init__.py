"""The paper's experiments on real data: tuned, run over seeds, judged and drawn."""
