"""The report on arXiv 2506.00181: its claims, experiments and sections; an application, which nothing else imports."""
