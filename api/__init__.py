"""The service: points, captures, issues and the people who work on them. One package a domain."""
