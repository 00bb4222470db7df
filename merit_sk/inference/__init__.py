"""What a trained network gives for recordings: embeddings, reconstructions, reports."""
