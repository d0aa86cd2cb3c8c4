"""TeX, PDF and HTML: how what is known becomes pages."""
