"""The jobs as recipes: load, do, write, report. Each is a plain function that Python code can call, too."""
