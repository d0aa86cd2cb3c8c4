"""TeX, PDF and HTML: the tools and templates that turn results into documents."""
