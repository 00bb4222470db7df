"""The one loop that trains every network: plain arguments in, a result out."""

from dataclasses import dataclass

from ..nn.collective import copy_weights, share
from .net import PretrainNet, build_net, epoch_history


@dataclass
class Trained:
    """What a training run leaves.

    Attributes
    ----------
    model : Module
        In evaluation mode.
    net : skorch.NeuralNet
    history : list of dict
        One entry per epoch, see `epoch_history`.
    """

    model: object
    net: object
    history: list


def train(
    model, data, valid=None, *, settings, bounds=(), callbacks=(), checkpoints=None, verbose=0,
    net=PretrainNet,
):  # fmt: skip
    """Train a network to the end, from where the checkpoint stands.

    All processes of a distributed run end with equal weights.

    Parameters
    ----------
    model : Module
        Computes its own loss.
    data : Windows
        What `Batches` takes.
    valid : Windows or None, default=None
    settings : dict
        See `build_net`.
    bounds : sequence of {"mi_signal", "mi_text"}, default=()
    callbacks : sequence of skorch callbacks, default=()
    checkpoints : Checkpoints or None, default=None
    verbose : int, default=0
    net : type, default=PretrainNet

    Returns
    -------
    trained : Trained
    """
    net = build_net(
        model, data, valid, bounds=bounds, settings=settings, callbacks=list(callbacks),
        checkpoints=checkpoints, verbose=verbose, net=net,
    )  # fmt: skip
    if checkpoints is not None and checkpoints.finished:
        net.initialize()
        checkpoints.restore_finished(net)
    else:
        net.fit(data, y=None)
        copy_weights(net.module_)
        if checkpoints is not None and net.completed_:
            checkpoints.write(net, finished=True)
    return Trained(model.eval(), net, share(epoch_history(net)))
