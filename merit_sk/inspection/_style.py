"""Colors and axes that the displays share."""

# M. Okabe and K. Ito, "Color universal design", 2008: told apart by all kinds of color vision
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MUTED = "#B8B8B8"


def axes_for(ax, figsize):
    """Return the given axes, or those of a new figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def tidy(ax, grid="both"):
    """Draw a light grid behind the data; remove the frame above and on the right."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color="#E4E4E4", linewidth=0.8)
    ax.set_axisbelow(True)
