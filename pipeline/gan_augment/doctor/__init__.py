"""Would a run work here? Machine, packages, project, remotes and server looked at, with advice."""
