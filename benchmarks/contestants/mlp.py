"""This project's engine with its cheapest network."""

from benchmarks.contestants import engine

if __name__ == "__main__":
    engine.main("mlp")
