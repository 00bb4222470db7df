"""Small encoders of every kind."""

TRUNKS = {
    "conv": {"widths": [16, 16, 32], "patch": 8},
    "lead_time": {"trunk": "vit", "width": 32, "depth": 2, "heads": 2, "patch": 25,
                  "decoder_width": 32, "mask_ratio": 0.5},
    "time": {"trunk": "vit", "tokenizer": "time", "width": 32, "depth": 2, "heads": 2,
             "patch": 10, "decoder_width": 32},
}  # fmt: skip
