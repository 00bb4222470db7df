"""Several processes that train one model on joint batches; alone, everything here does nothing."""

import atexit
import multiprocessing
import os

import torch
from torch import distributed as dist
from torch import nn


def world_size():
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank():
    """Number of this process, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def join(device="auto"):
    """Join the processes that ``torchrun`` started, if it did and they have not met yet.

    A process that another one of them started, such as a worker of joblib, has the same
    environment but is none of them.

    Parameters
    ----------
    device : torch.device or str, default="auto"
        Where this process will train. ``"auto"`` and ``"cuda"`` take the GPU of its local rank;
        with ``"cpu"`` none is touched.
    """
    if (
        not dist.is_available()
        or dist.is_initialized()
        or int(os.environ.get("WORLD_SIZE", 1)) <= 1
        or multiprocessing.parent_process() is not None
    ):
        return
    backend = "gloo"
    if torch.cuda.is_available():
        backend = "cpu:gloo,cuda:nccl"
        if device == "auto" or torch.device(device) == torch.device("cuda"):
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    dist.init_process_group(backend)
    atexit.register(_leave)


def _leave():
    if dist.is_initialized():
        dist.destroy_process_group()


def gather(x):
    """Rows of all processes, in the order of their ranks; gradients flow back to each.

    Every process must have the same number of rows. A loss that all processes compute from
    gathered rows gives each of them ``world_size()`` times its share of the gradient, so that the
    average over processes (`average_gradients`) is the gradient of the joint batch.
    """
    if world_size() == 1:
        return x
    if not x.is_floating_point():
        parts = [torch.empty_like(x) for _ in range(world_size())]
        dist.all_gather(parts, x.contiguous())
        return torch.cat(parts)
    from torch.distributed.nn.functional import all_gather

    return torch.cat(all_gather(x.contiguous()))


def total(x):
    """Sum over processes; gradients flow back to each as in `gather`."""
    if world_size() == 1:
        return x
    from torch.distributed.nn.functional import all_reduce

    return all_reduce(x.contiguous())


def share(value):
    """The value that the first process has; any picklable object."""
    if world_size() == 1:
        return value
    values = [value]
    dist.broadcast_object_list(values)
    return values[0]


def first(value):
    """The first value that is not None, in the order of the ranks."""
    if world_size() == 1:
        return value
    values = [None] * world_size()
    dist.all_gather_object(values, value)
    return next((v for v in values if v is not None), None)


def average_gradients(parameters):
    """Replace gradients by their average over processes."""
    if world_size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))


def copy_weights(model):
    """Give every process the weights of the first."""
    if world_size() > 1:
        for tensor in model.state_dict().values():
            dist.broadcast(tensor, 0)


class JointBatchNorm1d(nn.BatchNorm1d):
    """Batch normalization by the statistics of the joint batch, on any device.

    Padding does not count: pass ``valid`` of shape (n, positions), or None where there is none.

    Examples
    --------
    >>> import torch
    >>> from merit_sk.nn.collective import JointBatchNorm1d
    >>> JointBatchNorm1d(3)(torch.zeros(2, 3, 5)).shape
    torch.Size([2, 3, 5])
    """

    def _check_input_dim(self, x):
        """Any: what comes here is an image one pixel high."""

    def forward(self, x, valid=None):
        if not self.training or (world_size() == 1 and valid is None):
            return super().forward(x.unsqueeze(2)).squeeze(2)  # fast for any order in memory
        wide = x.float()
        variance, mean, count = _moments(wide, valid)
        variances, means, counts = gather(torch.stack([variance, mean, count])[None]).unbind(1)
        n = counts.sum(dim=0)
        share = counts / n
        mean = (share * means).sum(dim=0)
        variance = (share * (variances + (means - mean).square())).sum(dim=0)
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (n / (n - 1).clamp(min=1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (wide * scale[:, None] + (self.bias - mean * scale)[:, None]).to(x.dtype)


def _moments(x, valid):
    """Variance and mean over valid positions and their number, each of shape (channels,)."""
    if valid is None:
        variance, mean = torch.var_mean(x, dim=(0, 2), correction=0)
        return variance, mean, torch.full_like(mean, x.shape[0] * x.shape[2])
    weight = valid[:, None].to(x.dtype)
    count = weight.sum()
    mean = (x * weight).sum(dim=(0, 2)) / count
    deviation = (x - mean[:, None]) * weight
    return deviation.square().sum(dim=(0, 2)) / count, mean, count.expand_as(mean)
