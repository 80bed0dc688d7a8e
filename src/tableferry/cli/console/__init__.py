"""The local console: one page on loopback that shows what AWS's console would."""
