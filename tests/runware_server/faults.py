"""Every way in which the provider, the network or a clip can be wrong: the table, by name.

What a fault is stands in ``turn``; the cases stand in one module a phase.
"""

from tests.runware_server import faults_download, faults_media, faults_poll, faults_submit
from tests.runware_server.turn import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for module in (faults_submit, faults_poll, faults_download, faults_media)
    for fault in module.CASES
}
