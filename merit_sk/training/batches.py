"""Batches for pretraining: windows of recordings with their reports."""

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from ..nn.collective import rank, world_size
from ..reports._features import tensors
from ..reports._statements import statement_bank
from ..signals._prefetch import load_ahead
from ..statements._prompts import statement_prompts

PHRASES = 3  # of a known statement count as much as so many statements of reports


class Reports:
    """Distinct reports of a data set, their features, and the statements in them.

    Parameters
    ----------
    reports : ndarray of str
        Normalized reports, ``""`` for none.
    features : TermFeatures or SentenceFeatures
    rows : ndarray of int
        Recordings to train on, whose statements are the vocabulary.
    sources : ndarray or None, default=None
        Where each recording and its text come from. That a statement is absent is learned only
        from recordings of a source whose reports use it: German reports say nothing about English
        statements.
    truth : DataFrame of shape (n_samples, n_codes) or None, default=None
        PTB-XL statements known to be there (1) or not (0), NaN where unknown. Every phrase for a
        statement, in each language, is one more statement of the vocabulary.
    """

    def __init__(self, reports, features, rows, sources=None, truth=None):
        index, texts = pd.factorize(np.asarray(reports, dtype=object), sort=True)
        empty = int(texts[0] == "")
        self.index = index - empty
        self.texts = texts[empty:].tolist()
        self.features, self.matrix = features, features.matrix(self.texts)
        counts = np.bincount(index[rows], minlength=len(texts))
        self.bank, self.present = statement_bank(self.texts, counts[empty:])
        self.source, self.scored = np.zeros(len(index), int), None
        if sources is not None:
            self.source = np.unique(sources, return_inverse=True)[1]
            self.scored = self._vocabularies(rows)
        self.truth = None if truth is None else truth.to_numpy(np.float32)
        if truth is not None:
            found = [
                (k, phrase)
                for k, code in enumerate(truth)
                for language in ("en", "de")
                for phrase in statement_prompts(code, language)
            ]
            self.concept = np.array([k for k, _ in found])
            self.share = PHRASES / np.bincount(self.concept)[self.concept].astype(np.float32)
            self.bank = [*self.bank, *(phrase for _, phrase in found)]

    def _vocabularies(self, rows):
        """Which statements the reports of each source use, (n_sources, n_statements)."""
        rows = rows[self.index[rows] >= 0]
        out = np.zeros((self.source.max() + 1, len(self.bank)), dtype=np.float32)
        for k in np.unique(self.source[rows]):
            texts = np.unique(self.index[rows[self.source[rows] == k]])
            out[k] = self.present[texts].sum(axis=0) > 0
        return out

    def batch(self, indices):
        """Text part of a batch: which text each report is (-1: none), features, statements."""
        index = self.index[indices]
        row = np.maximum(index, 0)
        out = {
            "text_index": torch.from_numpy(index),
            "text": tensors(self.features.padded(self.matrix[row])),
        }
        if self.bank:
            present, scored = self._statements(row, indices)
            out |= {"present": torch.from_numpy(present), "scored": torch.from_numpy(scored)}
        return out

    def _statements(self, row, indices):
        """What of the bank is there, and how much each entry counts; 0 where it is unknown."""
        present = self.present[row].toarray()
        scored = np.ones_like(present)
        if self.scored is not None:
            scored = self.scored[self.source[indices]]
        if self.truth is not None:
            truth = self.truth[indices][:, self.concept]
            known = np.isfinite(truth)
            present = np.hstack([present, np.where(known, truth, 0)])
            scored = np.hstack([scored, known * self.share])
        return present, scored


class Windows(Dataset):
    """Windows of recordings with their reports, in batches.

    Parameters
    ----------
    recordings : WindowSource
    indices : array-like of int
        Records that belong to this data set.
    reports : Reports or None
        Of all recordings.
    sources : ndarray or None, default=None
        Where each recording comes from.
    unpaired : bool, default=True
        Whether training batches hold recordings without report, too.
    """

    def __init__(self, recordings, indices, reports, sources=None, unpaired=True):
        self.recordings, self.indices, self.reports = recordings, np.asarray(indices), reports
        self.sources = None if sources is None else sources[self.indices]
        self.unpaired = unpaired

    def groups(self):
        """Rows that batches are drawn from, and how often a pass takes them.

        Rows of one source are a group, and those with a report one apart from those without, as
        the alignment learns nothing from a pair alone. Pairs are repeated until there are about as
        many as recordings without report.

        Returns
        -------
        list of tuple (rows, times), or None if all rows are alike
        """
        n = len(self)
        paired = np.ones(n, bool) if self.reports is None else self.reports.index[self.indices] >= 0
        n_paired = int(paired.sum())
        if self.sources is None and n_paired in (0, n):
            return None
        sources = np.zeros(n, int) if self.sources is None else self.sources
        again = max(round((n - n_paired) / max(n_paired, 1)), 1)
        found = []
        for source in np.unique(sources):
            for kind, times in ((paired, again), (~paired, int(self.unpaired))):
                found.append((np.flatnonzero((sources == source) & kind), times))
        return [(rows, times) for rows, times in found if len(rows) * times]

    def __len__(self):
        return len(self.indices)

    def batch(self, rows, generator=None):
        """Inputs of the model for some rows.

        Parameters
        ----------
        rows : array-like of int
        generator : torch.Generator or None, default=None
            Draws where windows of longer recordings start; None takes the first.
        """
        records = self.indices[np.asarray(rows)]
        signal, n_valid, deviation = self.windows(records, generator)
        inputs = {"signal": torch.from_numpy(signal), "n_valid": torch.from_numpy(n_valid)}
        if self.reports is not None:
            voltages = self.recordings.spec.voltages(signal, n_valid, deviation)
            inputs["voltages"] = torch.from_numpy(voltages)
        return inputs if self.reports is None else inputs | self.reports.batch(records)

    def windows(self, records, generator):
        """One window of each record, from a start that is drawn, as `WindowSource` has it."""

        def start(n_times):
            room = n_times - self.recordings.spec.n_times
            if room <= 0 or generator is None:
                return 0
            return int(torch.randint(room + 1, (), generator=generator))

        return self.recordings.windows(records, start)


class Batches:
    """One pass over a data set per iteration, the same whenever and wherever it is made.

    Order, windows and all that is drawn while a batch is worked on depend on `seed` and on the
    number of batches before it alone, so that training goes on anywhere from this number and the
    weights. Several processes each take their part of a joint batch, all of one size: what is
    left over at the end of a pass, fewer recordings than processes, is dropped from that pass.

    Parameters
    ----------
    data : Windows
    batch_size : int
        Recordings of a batch in each process.
    seed : int
    training : bool
        Whether to shuffle, and to go on from ``step``; else every pass is the same.
    accelerator : bool, default=False
        Whether the network runs on one.

    Attributes
    ----------
    step : int
        Batches given out so far.
    """

    def __init__(self, data, batch_size, seed, training, accelerator=False):
        self.data, self.seed, self.training, self.step = data, seed, training, 0
        self.accelerator = accelerator
        self.joint_size = batch_size * world_size()
        self.groups = data.groups() if training else None
        n = sum(len(rows) * times for rows, times in self.groups) if self.groups else len(data)
        self.n_used = n - n % self.joint_size % world_size()
        if self.n_used == 0:
            raise ValueError(
                f"{len(data)} recordings cannot be shared by {world_size()} processes: start fewer"
            )

    def __len__(self):
        return -(-self.n_used // self.joint_size)

    def __iter__(self):
        if not self.training:
            self.step = 0
        epoch, done = divmod(self.step, len(self))
        order = self._order(epoch)
        joint = np.split(order[: self.n_used], self._ends()[:-1])[done:]
        mine = [np.array_split(rows, world_size())[rank()] for rows in joint]
        numbered = enumerate(mine, start=self.step)
        for inputs in load_ahead(self._load, numbered, accelerator=self.accelerator):
            torch.manual_seed(self._seed(self.step, rank(), 0))
            self.step += 1
            yield inputs, torch.zeros(len(next(iter(inputs.values()))))

    def _ends(self):
        """Where joint batches end: full ones in training, else of one size, as the bound on the
        information in a report is at most the logarithm of their number in a batch."""
        if self.training:
            return np.minimum(self.joint_size * np.arange(1, len(self) + 1), self.n_used)
        shares = np.array_split(np.arange(self.n_used // world_size()), len(self))
        return world_size() * np.cumsum([len(share) for share in shares])

    def _order(self, epoch):
        """Rows of the data in the order of a pass; whole joint batches are of one group."""
        if not self.training:
            return np.arange(len(self.data))
        random, size = np.random.default_rng(self._seed(epoch)), self.joint_size
        if self.groups is None:
            return random.permutation(len(self.data))
        whole, left = [], []
        for rows, times in self.groups:
            rows = np.concatenate([random.permutation(rows) for _ in range(times)])
            n_whole = len(rows) // size * size
            whole += [rows[i : i + size] for i in range(0, n_whole, size)]
            left.append(rows[n_whole:])
        left = random.permutation(np.concatenate(left))
        return np.concatenate([*(whole[i] for i in random.permutation(len(whole))), left])

    def _load(self, numbered_rows):
        step, rows = numbered_rows
        seed = self._seed(step, rank(), 1)
        inputs = self.data.batch(
            rows, torch.Generator().manual_seed(seed) if self.training else None
        )
        if "signal" in inputs and self.accelerator and torch.cuda.is_available():
            inputs["signal"] = inputs["signal"].pin_memory()
        return inputs

    def _seed(self, *position):
        state = np.random.SeedSequence([self.seed, self.training, *position])
        return int(state.generate_state(1, np.uint64)[0] >> np.uint64(1))
