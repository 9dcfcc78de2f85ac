"""Dashboards for Grafana as code: functions to sorted JSON (build), files and requests that bring them there (deploy).

All names of measurements, tags and fields come from parallax.points; a query that names another does not build.
"""
