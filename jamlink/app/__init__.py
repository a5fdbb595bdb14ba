"""Where everything is put together: the one folder that names concrete ports, proposers, stores and views.

Each public function is what a command of the command line does. Heavy parts are imported where they are used.

    foreground, before_starting, jam_config   `jamlink jam` until its session process runs, and while it does
    session_process, parts                    that process, and the jam that it puts together
    proposers, maps, following, files         what several of the others want: who makes ideas, pads, clocks, targets
    offline, machine, training, benches       the other commands
"""
