(* blackbox *)
module VENDOR_PAD (input I, output PAD);
endmodule
