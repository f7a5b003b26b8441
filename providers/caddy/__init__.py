"""The proxies of an environment, driven through Caddy's admin socket and the files of its tables."""
