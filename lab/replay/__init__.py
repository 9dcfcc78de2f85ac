"""Outages, played again: scripts of incidents and recorded journals, through the code that runs live.

    loaded = load_script(path)
    report = play(source_of(loaded, seed=0), loaded.script)

What is played are records of `inputs`, as a collector would have written them; a virtual clock goes by their times.
"""
