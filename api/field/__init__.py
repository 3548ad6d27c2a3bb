"""The inspectors' page: photographs problems without a signal and sends them when there is one."""
