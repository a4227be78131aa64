"""What people read: tables, figures, LaTeX, HTML, the report, the comparison of experiments. Without torch."""
