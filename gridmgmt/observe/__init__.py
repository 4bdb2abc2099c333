"""How the processes are seen from outside: log lines, metrics, signs to the service manager.

Decides nothing and knows no rule; whoever does something tells it here.
"""
