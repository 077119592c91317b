"""The course's switches, read in this one place: profile, data folder, device, seed."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PROFILES = ("mini", "full")
SEED = 42
OLDEST_PYTHON = (3, 11)  # as pyproject.toml says
NO_GPU = (
    "⚠️ 选了 full，却没有找到 GPU：要训练的章会跑几个小时。在 Colab 里打开菜单"
    "「代码执行程序 → 更改运行时类型」，选 T4 GPU，保存后从这一格起重新运行；"
    "没有 GPU，就把 COURSE_PROFILE 改回 mini，再运行这一格。"
)


def profile() -> str:
    """ "mini" (default: everything offline and small) or "full" (models and data of the Hub)."""
    chosen = os.environ.get("COURSE_PROFILE") or "mini"
    if chosen not in PROFILES:
        raise ValueError(f"COURSE_PROFILE={chosen!r}: unknown profile; set it to 'mini' or 'full'")
    return chosen


def data_folder() -> Path | None:
    """The folder of real data that COURSE_DATA names, or None."""
    chosen = os.environ.get("COURSE_DATA")
    return Path(chosen).expanduser() if chosen else None


def course_root() -> Path:
    """The folder that holds utils/, data/, models/ and chapters/."""
    return Path(__file__).resolve().parents[1]


def device() -> torch.device:
    """The torch device to compute on: CUDA, Apple's MPS or the processor."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def bf16_available() -> bool:
    """Is computing in bfloat16 faster here than in float32?

    That a processor has instructions for it does not say so. AMD's multiply twice as many numbers
    a cycle; Intel's AVX512_BF16, on one port where float32 has two, no more than float32, and the
    casts come on top (products took 1.6 times as long on a Xeon). Intel's AMX is faster, but a
    virtual machine may hide it.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    can = getattr(torch.cpu, "get_capabilities", dict)()  # torch 2.13 has it, not every older one
    by_intel = "Intel" in can.get("cpu_name", "")
    return bool(can.get("amx_bf16") or (can.get("avx512_bf16") and not by_intel))


def seed_everything(seed: int = SEED) -> None:
    """Seed Python, NumPy and PyTorch."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def refuse_another_utils() -> None:
    """An editable install serves `utils.profile` even behind a foreign package called utils."""
    import utils

    here = Path(__file__).resolve().parent
    if Path(utils.__file__ or "").resolve().parent != here:
        raise ImportError(
            f"the course's utils was not found: {utils.__file__} hides it; "
            "start Jupyter inside the course's folder"
        )


def refuse_an_unfit_kernel() -> None:
    """A notebook opened with a kernel of another Python says which one to choose."""
    cure = (
        "在 Jupyter 右上角换成装了课程的那个内核；还没有装，就在课程的文件夹里运行 "
        "`make lab`（Windows 见 README），从它打开的页面里打开这一章"
    )
    if sys.version_info[:2] < OLDEST_PYTHON:
        version, oldest = (".".join(map(str, v[:2])) for v in (sys.version_info, OLDEST_PYTHON))
        raise ImportError(f"这个内核是 Python {version}，课程要 {oldest} 以上：{cure}")
    missing = [each for each in ("torch", "transformers") if not importlib.util.find_spec(each)]
    if missing:
        raise ImportError(f"这个内核里没有 {'、'.join(missing)}（{sys.executable}）：{cure}")


_chosen_in_cell: str | None = None


def choose_in_cell(name: str) -> None:
    """Take a setup cell's profile, also when the cell is changed and run again.

    A COURSE_PROFILE that was set outside wins over the cell.
    """
    global _chosen_in_cell
    if os.environ.get("COURSE_PROFILE") in (None, "", _chosen_in_cell):
        os.environ["COURSE_PROFILE"] = _chosen_in_cell = name


def start(chapter: str, chosen: str = "mini") -> None:
    """Prepare a chapter: profile, seed, quiet libraries; print one line on what will be used.

    Args:
        chapter: the notebook's name.
        chosen: the profile that its setup cell names; COURSE_PROFILE set outside wins over it.
    """
    refuse_another_utils()
    refuse_an_unfit_kernel()
    choose_in_cell(chosen)
    # Before the libraries are imported: reports, progress bars and hints belong on a terminal,
    # not between the lines of a chapter.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    chosen = profile()  # a wrong one is refused before the seconds that torch takes to import
    seed_everything()
    data = f"，数据 {data_folder()}" if data_folder() else ""
    print(f"{chapter}：profile={chosen}，设备 {device().type}，随机种子 {SEED}{data}")
    if chosen == "full" and device().type == "cpu":
        print(NO_GPU)
