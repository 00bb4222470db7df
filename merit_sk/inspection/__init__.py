"""Plots of recordings and of what a model has learned."""
