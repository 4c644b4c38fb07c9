# Installs, builds and calls the command line; `make help` lists the targets.
