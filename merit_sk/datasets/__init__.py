"""ECG data sets: loaders for published ones, and simulated recordings."""
