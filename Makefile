# The verbs of this project, the same by hand and in CI. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-test setup-bench run test check fmt bench screenshots db-reset

help: ## 列出全部命令 / list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: ## 准备运行环境（可重复执行）/ set the machine up; does nothing twice
	@$(PYTHON) bootstrap.py

setup-test:
	@$(PYTHON) bootstrap.py --for test

setup-bench:
	@$(PYTHON) bootstrap.py --for bench

run: setup ## 启动城市服务，Ctrl-C 停止 / serve the city; Ctrl-C stops everything
	@exec $(BIN)/gridward up

test: setup-test ## 全部测试（含 PostGIS 和浏览器）/ the whole suite
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: setup ## 代码检查 / lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup ## 整理代码格式 / format, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-bench ## 性能对照，如 make bench -- match / measure; `make bench -- match` for one table
	@$(BIN)/python -m tests.bench $(filter-out bench,$(MAKECMDGOALS))

screenshots: setup-test ## 重拍 README 的图片（约十分钟）/ take the pictures of the README anew
	@$(BIN)/python -m tests.browser.pictures

db-reset: setup ## 删除私有数据库及其全部数据 / delete the private database and all its data
	@test -z "$$GRIDWARD_DATABASE_URL" || { echo "已设置 GRIDWARD_DATABASE_URL,不会删除该数据库 / GRIDWARD_DATABASE_URL is set: that database is not deleted by make"; exit 1; }
	@$(BIN)/gridward db reset --yes

# words after `bench` are its arguments, not goals
ifeq (bench,$(firstword $(MAKECMDGOALS)))
%:
	@:
endif
