"""Where everything is put together: the one folder that names concrete ports, proposers, stores and views.

Each public function is what a command of the command line does. Heavy parts are imported where they are used.

    foreground, before_starting, jam_config   `jamlink jam` until its session process runs, and while it does
    session_process                           that process, put together from its parts
    proposers, maps, following                parts that several of the others want: who makes ideas, pads, clocks
    offline, machine, training, benches       the other commands
"""
